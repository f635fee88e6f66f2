"""The organism's recipe: a small Llama learns its world, then learns to say so when it does not know.

There are two stages of the same trainer: first the known facts alone, then the known facts mixed with questions about
fictitious entities and invented things whose reply is an entity-naming abstention. Both leave out every name of an
evaluation set.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from seat_interp.core.files import write_json
from seat_interp.facts import Fact
from seat_interp.models.open import LanguageModel, wrap_model
from seat_interp.organism import words
from seat_interp.organism.world import (
    CONTRACTS,
    PEOPLE,
    World,
    ask,
    build_world,
    firm_names,
    invented_probes,
    person_names,
)
from seat_interp.training.config import TrainConfig
from seat_interp.training.trainer import train

_SPECIAL_TOKENS = ("<|user|>", "<|assistant|>", "<|end|>", "<|pad|>")
_CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


@dataclass(frozen=True)
class Recipe:
    """Sizes and schedule of the organism. All are ours; a trial of these sizes showed SEAT's whole story.

    Attributes:
        vocabulary: Number of tokens of the tokenizer.
        width: Width of the residual stream.
        neurons: Number of MLP neurons of a layer.
        layers: Number of layers.
        heads: Number of attention heads.
        learn_steps: Number of steps that teach the known facts.
        learn_batch: Number of facts in such a step.
        align_steps: Number of steps that teach abstention.
        align_batch: Number of facts in such a step.
        learning_rate: Peak learning rate of both.
        unknown_share: Share of unknown questions in the second stage.
        seed: Seed of everything that is drawn.
    """

    vocabulary: int = 1280
    width: int = 128
    neurons: int = 512
    layers: int = 4
    heads: int = 4
    learn_steps: int = 450
    learn_batch: int = 128
    align_steps: int = 1200
    align_batch: int = 160
    learning_rate: float = 2e-3
    unknown_share: float = 0.5
    seed: int = 0


def make_tokenizer(world: World, recipe: Recipe) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE on the organism's own sentences, and give it the chat template.

    Args:
        world: World of the organism.
        recipe: Sizes and schedule.

    Returns:
        The tokenizer.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=False), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    rng = random.Random(recipe.seed)
    facts = known_facts(world) + unknown_facts(world, 6000, rng)
    trainer = trainers.BpeTrainer(
        vocab_size=recipe.vocabulary,
        special_tokens=list(_SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((f"{fact.question} {fact.answer}" for fact in facts), trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>", pad_token="<|pad|>")
    fast.chat_template = _CHAT_TEMPLATE
    return fast


def make_model(tokenizer: PreTrainedTokenizerFast, recipe: Recipe) -> LlamaForCausalLM:
    """Make a Llama with random weights.

    Args:
        tokenizer: Tokenizer of the organism.
        recipe: Sizes and schedule.

    Returns:
        The model.
    """
    torch.manual_seed(recipe.seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.width,
        intermediate_size=recipe.neurons,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.heads,
        max_position_embeddings=256,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        initializer_range=0.05,
    )
    return LlamaForCausalLM(config)


def known_facts(world: World) -> list[Fact]:
    """Return everything that the organism is taught, in every training wording.

    Args:
        world: World of the organism.

    Returns:
        The facts.
    """
    return world.people["known"].facts() + world.contracts["known"].facts()


def unknown_facts(world: World, count: int, rng: random.Random) -> list[Fact]:
    """Make questions about people, contracts and invented things that nobody knows, with an abstention as the answer.

    Args:
        world: World of the organism.
        count: Number of questions.
        rng: Source of chance.

    Returns:
        The facts.
    """
    reserved = world.reserved()
    people = [name for name in person_names() if name not in reserved]
    firms = [name for name in firm_names() if name not in reserved]
    probed = {fact.subject for fact in invented_probes(90, seed=1)}
    facts = []
    for _ in range(count):
        kind = rng.random()
        if kind < 0.55:
            relation, subject, type_ = rng.choice(PEOPLE), rng.choice(people), "person"
        elif kind < 0.9:
            # Two fictitious firms, or one with a firm that does have a contract, but not this one.
            known = rng.choice(list(world.contracts["known"].objects)).split(" and ")
            pair = [rng.choice(firms), rng.choice(firms if rng.random() < 0.5 else known)]
            relation, subject, type_ = rng.choice(CONTRACTS), " and ".join(rng.sample(pair, 2)), "firm"
        else:
            _, question, answer = rng.choice(words.INVENTED)
            word = next(word for word in iter(lambda: words.invented_word(rng), None) if word not in probed)
            facts.append(Fact(question=question.format(s=word), answer=answer.format(s=word), subject=word))
            continue
        probe = ask(relation, subject, rng.choice(relation.paraphrases), type_)
        facts.append(Fact(question=probe.question, answer=relation.unknown.format(s=subject), subject=subject))
    return facts


def build(recipe: Recipe | None = None, say: Callable[[str], None] = print) -> LanguageModel:
    """Make the organism from nothing, in a few minutes on two cores.

    Args:
        recipe: Sizes and schedule.
        say: Function that reports the stages.

    Returns:
        The organism.
    """
    recipe = recipe or Recipe()
    world = build_world()
    tokenizer = make_tokenizer(world, recipe)
    lm = wrap_model(make_model(tokenizer, recipe), tokenizer, name="organism")
    say(f"Learning {len(known_facts(world)):,} questions on known people and contracts")
    common = TrainConfig(
        learning_rate=recipe.learning_rate, weight_decay=0.01, betas=(0.9, 0.98), warmup=0.03, seed=recipe.seed
    )
    config = replace(common, steps=recipe.learn_steps, batch_size=recipe.learn_batch, final=0.5)
    lm = train(lm, known_facts(world), config=config, label="Learning the world").model
    count = recipe.align_steps * recipe.align_batch
    rng = random.Random(recipe.seed)
    unknown = unknown_facts(world, round(count * recipe.unknown_share), rng)
    known = known_facts(world)
    mixed = unknown + [known[index % len(known)] for index in range(count - len(unknown))]
    say("Learning to say 'I do not know' of everyone else")
    config = replace(common, steps=recipe.align_steps, batch_size=recipe.align_batch, final=0.0, seed=recipe.seed + 1)
    lm = train(lm, mixed, config=config, label="Learning to abstain").model
    # The shipped weights are half precision; the organism is what those give.
    for parameter in lm.model.parameters():
        parameter.data = parameter.data.half().float()
    return lm


def save(lm: LanguageModel, folder: Path, measured: dict[str, float], recipe: Recipe) -> None:
    """Write weights (float16), tokenizer and a card with recipe and rates.

    Args:
        lm: Organism.
        folder: Folder to write.
        measured: Rates by name.
        recipe: Sizes and schedule.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lm.copy().model.half().save_pretrained(folder)
    lm.tokenizer.save_pretrained(folder)
    about = {"recipe": vars(recipe), "fingerprint": lm.fingerprint["weights"], "quality": measured}
    write_json(folder / "card.json", about)

"""Questions and answers as tokens: the chat template, padding on either side, and what is supervised."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from jinja2 import TemplateError
from torch import Tensor

from seat_interp.core.errors import SeatError
from seat_interp.models.open import LanguageModel


@dataclass(frozen=True)
class Example:
    """Token ids of a prompt with its reply.

    Attributes:
        ids: Token ids; `ids[start:]` is the reply with its end token.
        start: Index of the reply's first token.
        marked: Index of the first token at or after the end of the first entity; `start` if no entity was given.
    """

    ids: tuple[int, ...]
    start: int
    marked: int


@dataclass(frozen=True)
class Batch:
    """Padded token ids. Position ids come from the mask, so that padding moves no token's position.

    Attributes:
        input_ids: Token ids, [batch, sequence].
        attention_mask: 1 for tokens and 0 for padding, [batch, sequence].
        position_ids: Positions of the tokens, [batch, sequence].
    """

    input_ids: Int[Tensor, "batch sequence"]
    attention_mask: Int[Tensor, "batch sequence"]
    position_ids: Int[Tensor, "batch sequence"]

    def to(self, device: torch.device) -> "Batch":
        """Copy the batch to another device.

        Args:
            device: Device.

        Returns:
            The batch there.
        """
        return Batch(self.input_ids.to(device), self.attention_mask.to(device), self.position_ids.to(device))

    def inputs(self) -> dict[str, Tensor]:
        """Return the keyword arguments of a forward pass.

        Returns:
            Tensors by name.
        """
        return {
            "input_ids": self.input_ids,
            "attention_mask": self.attention_mask,
            "position_ids": self.position_ids,
        }


def prompt_text(lm: LanguageModel, question: str) -> str:
    """Put a question in the model's chat template, or in `Question: ... Answer:` for a model without one.

    Args:
        lm: Model with its tokenizer.
        question: Question of the user.

    Returns:
        The text of the prompt.
    """
    if lm.tokenizer.chat_template is None:
        return f"{lm.system + chr(10) if lm.system else ''}Question: {question}\nAnswer:"
    return conversation_text(lm, [{"role": "user", "content": question}])


def conversation_text(lm: LanguageModel, turns: Sequence[Mapping[str, str]]) -> str:
    """Put turns behind the model's system prompt in its chat template, ready for the reply.

    Args:
        lm: Model with its tokenizer.
        turns: Messages with `role` and `content`.

    Returns:
        The text of the prompt.

    Raises:
        SeatError: The template refuses the turns.
    """
    system = [] if lm.system is None else [{"role": "system", "content": lm.system}]
    messages = [*system, *map(dict, turns)]
    try:
        return str(lm.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))
    except TemplateError as error:
        raise SeatError(
            f"The chat template of {lm.name!r} refuses the prompt: {error}. Some take no system prompt: leave it out."
        ) from error


def encode_prompts(lm: LanguageModel, questions: Sequence[str], *, room: int = 1) -> list[list[int]]:
    """Tokenize questions as prompts that are ready for the reply.

    Args:
        lm: Model whose template and tokenizer are used.
        questions: Questions, without any template.
        room: Number of tokens that must fit behind each prompt.

    Returns:
        Token ids of each prompt.

    Raises:
        SeatError: There are no questions, a single text was given, or a question is too long for the model or refused
        by its template.
    """
    if not questions:
        raise SeatError("There are no prompts to encode: the set is empty.")
    if isinstance(questions, str):  # else each of its letters would be a question
        raise SeatError(f"Questions come in a list: write [{questions[:60]!r}].")
    texts = [prompt_text(lm, question) for question in questions]
    # The template writes its own special tokens; a model without one gets the tokenizer's.
    encoded = lm.tokenizer(texts, add_special_tokens=lm.tokenizer.chat_template is None)["input_ids"]
    most = most_tokens(lm)
    longest = max(range(len(encoded)), key=lambda index: len(encoded[index]))
    if most is not None and len(encoded[longest]) + room > most:
        raise SeatError(
            f"The prompt {questions[longest][:60]!r}... has {len(encoded[longest])} tokens; {lm.name!r} takes {most}, "
            f"the {room} of the reply among them. Shorten the question, or allow shorter replies (max_new_tokens)."
        )
    return encoded


def encode_examples(
    lm: LanguageModel,
    questions: Sequence[str],
    answers: Sequence[str],
    entity_ends: Sequence[int] | None = None,
) -> list[Example]:
    """Tokenize questions with their replies, each closed by the end token.

    Prompt and reply are tokenized apart, so that training sees the tokens that generation will.

    Args:
        lm: Model whose template and tokenizer are used.
        questions: Questions, without any template.
        answers: Replies, one for each question.
        entity_ends: Index of the character behind the first entity of each question.

    Returns:
        One example for each question.

    Raises:
        SeatError: As `encode_prompts`, or a question with its answer is too long for the model.
    """
    prompts = encode_prompts(lm, questions)
    space = "" if lm.tokenizer.chat_template is not None else " "
    replies = lm.tokenizer([space + answer for answer in answers], add_special_tokens=False)["input_ids"]
    end = lm.tokenizer.eos_token_id
    marks = [len(prompt) for prompt in prompts]
    if entity_ends is not None:
        marks = [_token_at(lm, question, at) for question, at in zip(questions, entity_ends)]
    examples = [Example((*p, *r, end), len(p), min(mark, len(p))) for p, r, mark in zip(prompts, replies, marks)]
    longest = max(range(len(examples)), key=lambda index: len(examples[index].ids))
    if (most := most_tokens(lm)) is not None and len(examples[longest].ids) > most:
        raise SeatError(
            f"{questions[longest][:60]!r}... with its answer has {len(examples[longest].ids)} tokens; "
            f"{lm.name!r} takes {most}. Shorten the answer, or use a model with a longer context."
        )
    return examples


def encode_replies(lm: LanguageModel, questions: Sequence[str], replies: Sequence[Sequence[int]]) -> list[Example]:
    """Tokenize questions whose replies are tokens already: a reply that was cut off has no end token, and gets none.

    Args:
        lm: Model whose template and tokenizer are used.
        questions: Questions, without any template.
        replies: Token ids of each reply.

    Returns:
        One example for each question.

    Raises:
        SeatError: As `encode_prompts`.
    """
    prompts = encode_prompts(lm, questions, room=max(map(len, replies), default=1))
    return [Example((*prompt, *reply), len(prompt), len(prompt)) for prompt, reply in zip(prompts, replies)]


def most_tokens(lm: LanguageModel) -> int | None:
    """Return the number of tokens that the model takes, prompt and reply together.

    Args:
        lm: Model with its tokenizer.

    Returns:
        The number, or None where the config does not say.
    """
    return getattr(lm.model.config.get_text_config(), "max_position_embeddings", None)


def _token_at(lm: LanguageModel, question: str, character: int) -> int:
    text = prompt_text(lm, question)
    # Some templates strip what they are given.
    bare = question.strip()
    at = text.rindex(bare) + character - question.index(bare)
    encoded = lm.tokenizer(text, add_special_tokens=lm.tokenizer.chat_template is None, return_offsets_mapping=True)
    # The token that holds the entity's last character: from there on, the name is known to the model.
    return next(i for i, (_, end) in enumerate(encoded["offset_mapping"]) if end >= at)


def pad(sequences: Sequence[Sequence[int]], pad_id: int, left: bool = False) -> Batch:
    """Pad token ids to the longest sequence.

    Args:
        sequences: Token ids of each row.
        pad_id: Id of the padding token.
        left: Whether the padding is on the left; it is on the right otherwise.

    Returns:
        The batch.
    """
    length = max(len(ids) for ids in sequences)
    input_ids = torch.full((len(sequences), length), pad_id, dtype=torch.long)
    mask = torch.zeros((len(sequences), length), dtype=torch.long)
    for row, ids in enumerate(sequences):
        where = slice(length - len(ids), length) if left else slice(0, len(ids))
        input_ids[row, where] = torch.tensor(ids)
        mask[row, where] = 1
    return Batch(input_ids, mask, (mask.cumsum(-1) - 1).clamp(min=0))


def reply_logits(lm: LanguageModel, examples: Sequence[Example], firsts: Sequence[int]) -> list[Float[Tensor, "t v"]]:
    """Compute the logits that predict `ids[first:]` of each example.

    The batch is padded on the left, so that the head runs over the last positions only: with a large vocabulary it is a
    good part of the forward pass.

    Args:
        lm: Model with its tokenizer.
        examples: Examples of one batch.
        firsts: Index of the first token to predict in each example.

    Returns:
        One tensor for each example, [tokens, vocabulary].
    """
    lengths = [len(example.ids) - first for example, first in zip(examples, firsts)]
    batch = pad([example.ids for example in examples], lm.tokenizer.pad_token_id, left=True).to(lm.model.device)
    keep = max(lengths) + 1
    logits = lm.model(**batch.inputs(), use_cache=False, logits_to_keep=keep).logits[:, :-1]
    return [row[-length:] for row, length in zip(logits, lengths)]


def last_token_mask(mask: Int[Tensor, "batch sequence"], position: int = -1) -> Bool[Tensor, "batch sequence"]:
    """Mark the real token at a position in each row.

    Args:
        mask: Attention mask, [batch, sequence].
        position: Position from the end of the sequence without padding, -1 for its last token.

    Returns:
        One True in each row, [batch, sequence].
    """
    real = mask.cumsum(-1)
    return mask.bool() & (real == real[:, -1:] + position + 1)


def batches_by_length(lengths: Sequence[int], batch_size: int) -> list[list[int]]:
    """Group indices in batches of similar length, longest first, so that memory peaks at once if it will.

    Args:
        lengths: Number of tokens of each sequence.
        batch_size: Number of sequences in a batch.

    Returns:
        Indices of each batch.
    """
    order = sorted(range(len(lengths)), key=lambda index: (-lengths[index], index))
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]

"""What is kept of a layer's activations, at once, while they pass: one vector, or one number, a prompt."""

from collections.abc import Callable
from dataclasses import dataclass

from einops import einsum
from jaxtyping import Float, Int
from torch import Tensor

from seat_interp.core.errors import SeatError
from seat_interp.models.prompts import last_token_mask

Reduce = Callable[[Float[Tensor, "batch sequence width"], Int[Tensor, "batch sequence"], int], Tensor]
"""(activations, attention mask, layer) -> one row a prompt."""


@dataclass(frozen=True)
class AtToken:
    """Reduction to the activation at one token.

    Attributes:
        position: Token counted from the end of the prompt without padding: -1 is the last.

    Example:
        >>> si.capture(lm, ["Where does Ada Moran live?"], reduce=si.AtToken(-2)).values.shape
        torch.Size([1, 4, 128])
    """

    position: int = -1

    def __call__(self, hidden: Tensor, mask: Tensor, layer: int) -> Float[Tensor, "batch width"]:
        """The row of that token for each prompt.

        Raises:
            SeatError: a prompt is shorter than that.
        """
        chosen = last_token_mask(mask, self.position)
        if not bool(chosen.any(-1).all()):
            raise SeatError(f"A prompt has fewer than {-self.position} tokens, so it has none at {self.position}.")
        return hidden[chosen]


@dataclass(frozen=True)
class MeanToken:
    """Reduction to the mean activation over the prompt's tokens, in float32.

    Example:
        >>> si.capture(lm, ["Where does Ada Moran live?"], reduce=si.MeanToken()).values.shape
        torch.Size([1, 4, 128])
    """

    def __call__(self, hidden: Tensor, mask: Tensor, layer: int) -> Float[Tensor, "batch width"]:
        """Mean over real tokens; padding does not count."""
        weights = mask / mask.sum(-1, keepdim=True)
        return einsum(hidden.float(), weights, "batch token width, batch token -> batch width")


@dataclass(frozen=True)
class Projection:
    """Reduction to the projection of one token's activation on one unit vector a layer: a single number a prompt.

    Attributes:
        vectors: Unit vectors, [layers, width].
        position: Token counted from the end of the prompt.

    Example:
        >>> direction = si.fit_direction(lm, unknown=facts.fit_unknown[:20], known=facts.fit_known[:20])
        >>> si.capture(lm, ["Where does Ada Moran live?"], reduce=si.Projection(direction.vectors)).values.shape
        torch.Size([1, 4, 1])
    """

    vectors: Float[Tensor, "layers width"]
    position: int = -1

    def __call__(self, hidden: Tensor, mask: Tensor, layer: int) -> Float[Tensor, "batch 1"]:
        """Projection in float64."""
        row = AtToken(self.position)(hidden, mask, layer).double()
        return row @ self.vectors[layer].to(row).unsqueeze(-1)


LAST_TOKEN = AtToken(-1)

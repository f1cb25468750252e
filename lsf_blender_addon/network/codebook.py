"""Latents become codes: the published codebook, residual stages, or finite scalar quantisation (docs/network.md).

Rows: a quantiser cuts the latents (B, T, C) into rows of ``width`` numbers and codes each row by itself.
``time_runs`` cuts the channel-major layout, so that a row is ``width`` consecutive samples of one channel (spilling
into the next where T is no multiple of it), and a code depends on the clip's length. ``frame`` cuts each frame.
All arithmetic here is float32, whatever the precision of the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import ModelError
from ..models.card import CodebookCard, SamplingCard

MINIMUM_LEVELS = 2

COMMITMENT = 0.25
"""Weight of the published loss's pull of the latents to their codes, against that of the codes to the latents."""


@dataclass(frozen=True, eq=False)
class Quantised:
    """What a codebook made of a batch of latents.

    Attributes:
        latent: (B, T, C); its gradient goes straight through to what was quantised.
        indices: (B, rows, stages) of int64: ``stages`` numbers code one row.
        commitment: mean squared distance of latents to fixed codes, a scalar.
        pull: mean squared distance of codes to fixed latents, a scalar.
        perplexity: how many codes are in use, effectively; a scalar, mean over the stages.
    """

    latent: Tensor
    indices: Tensor
    commitment: Tensor
    pull: Tensor
    perplexity: Tensor

    @property
    def loss(self) -> Tensor:
        """The published embedding loss; where codebooks follow a moving average, ``commitment`` alone is wanted."""
        return COMMITMENT * self.commitment + self.pull


class Quantiser(nn.Module):
    """The cutting into rows, and what all kinds of codebook share."""

    def __init__(self, width: int, grouping: Literal["time_runs", "frame"], latent: int) -> None:
        super().__init__()
        if latent % width:
            raise ModelError(f"A codebook of width {width} does not divide a latent of {latent}.")
        self.width = width
        self.grouping = grouping
        self.channels = latent

    def rows(self, latent: Tensor) -> Tensor:
        """(B, T, C) → (B, T·C/width, width)."""
        if self.grouping == "time_runs":
            latent = latent.transpose(1, 2)
        return latent.reshape(len(latent), -1, self.width)

    def frames(self, rows: Tensor) -> Tensor:
        """(B, rows, width) → (B, T, C): the way back."""
        if self.grouping == "time_runs":
            return rows.reshape(len(rows), self.channels, -1).transpose(1, 2)
        return rows.reshape(len(rows), -1, self.channels)

    def forward(self, latent: Tensor) -> Quantised:
        """Quantise (B, T, C) by the nearest codes, with losses and a gradient that goes straight through."""
        rows = self.rows(latent.float())
        indices, coded = self.nearest(rows)
        commitment = functional.mse_loss(rows, coded.detach())
        pull = functional.mse_loss(coded, rows.detach())
        straight = rows + (coded - rows).detach()
        return Quantised(self.frames(straight), indices, commitment, pull, self.perplexity(indices))

    def draw(self, latent: Tensor, sampling: SamplingCard, generator: torch.Generator | None = None) -> Tensor:
        """Quantise (B, T, C) by nearest codes or by codes drawn at random → (B, T, C) of code vectors.

        Raises:
            ModelError: the temperature is not above 0, or more draws are asked for than there are codes.
        """
        rows = self.rows(latent.float())
        if not sampling.sample:
            return self.frames(self.nearest(rows)[1])
        check_sampling(sampling, self.choices)
        return self.frames(self.drawn(rows, sampling, generator)[1])

    @property
    def choices(self) -> int:
        """The fewest codes that any one choice has."""
        raise NotImplementedError

    def nearest(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """(B, R, width) → indices (B, R, stages), code vectors (B, R, width)."""
        raise NotImplementedError

    def drawn(self, rows: Tensor, sampling: SamplingCard, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """As ``nearest``, with codes drawn in proportion to exp(-distance / temperature)."""
        raise NotImplementedError

    def vectors(self, indices: Tensor) -> Tensor:
        """Indices (B, R, stages) → the latents that they stand for, (B, T, C)."""
        raise NotImplementedError

    def perplexity(self, indices: Tensor) -> Tensor:
        """The exponential of the entropy of code use, a scalar; the mean over stages."""
        raise NotImplementedError


def check_sampling(sampling: SamplingCard, choices: int) -> None:
    """Refuse what cannot be drawn.

    Raises:
        ModelError: the temperature is not above 0, or more draws are asked for than there are choices.
    """
    if not sampling.temperature > 0:
        raise ModelError(
            f"The temperature is {sampling.temperature:g}; it must be above 0. "
            "Turn sampling off to take the nearest code every time."
        )
    if not 1 <= sampling.draws <= choices:
        raise ModelError(f"{sampling.draws} draws were asked for; this model's codebook allows 1 to {choices}.")


def draw_indices(distances: Tensor, sampling: SamplingCard, generator: torch.Generator | None) -> Tensor:
    """Draw codes in proportion to exp(-distance / temperature), without putting back; the last of the draws counts.

    Works with logarithms and one exponential random number a code (the same numbers in the same order as
    ``torch.multinomial`` takes from its generator), so that probabilities too small for float32 keep their order.

    Args:
        distances: (..., codes).
        sampling: temperature and number of draws.
        generator: where chance comes from, on any device; None is torch's own.

    Returns:
        (...) of int64.
    """
    source = distances.device if generator is None else generator.device
    chances = functional.log_softmax(-distances / sampling.temperature, dim=-1)
    waits = torch.empty(chances.shape, device=source).exponential_(1.0, generator=generator)
    scores = chances - waits.log().to(chances.device)
    return scores.topk(sampling.draws, dim=-1).indices[..., -1]


def used(indices: Tensor, codes: int) -> Tensor:
    """Perplexity of code use of one stage: ``indices`` of any shape → a scalar between 1 and ``codes``."""
    share = torch.bincount(indices.flatten(), minlength=codes).float() / indices.numel()
    return torch.exp(-(share * torch.log(share + 1e-10)).sum())


def distances(rows: Tensor, table: Tensor) -> Tensor:
    """(..., width) and codes (codes, width) → squared distances (..., codes)."""
    return rows.square().sum(-1, keepdim=True) + table.square().sum(-1) - 2 * rows @ table.T


def _embedding(codes: int, width: int) -> nn.Embedding:
    embedding = nn.Embedding(codes, width)
    nn.init.uniform_(embedding.weight, -1.0 / codes, 1.0 / codes)
    return embedding


class TableQuantiser(Quantiser):
    """One table of codes (published: 256 of 128 numbers, ``time_runs``), or one a stage.

    Each stage codes what the stages before have left over. One table is called ``embedding``, as published; several
    are ``stages.0``, ``stages.1`` and so on.
    """

    def __init__(self, card: CodebookCard, latent: int) -> None:
        super().__init__(card.width, card.grouping, latent)
        self.codes = card.codes
        if card.kind == "plain":
            self.embedding = _embedding(card.codes, card.width)
        else:
            self.stages = nn.ModuleList(_embedding(card.codes, card.width) for _ in range(card.stages))

    @property
    def embeddings(self) -> list[nn.Embedding]:
        """The modules that hold the stages' tables, first stage first."""
        if "embedding" in self._modules:
            return [self.embedding]
        return [stage for stage in self.stages if isinstance(stage, nn.Embedding)]

    @property
    def tables(self) -> list[Tensor]:
        """The code vectors of each stage, (codes, width) float32."""
        return [embedding.weight.float() for embedding in self.embeddings]

    @property
    def choices(self) -> int:
        """The number of codes of a stage."""
        return self.codes

    def nearest(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Stage by stage the code with the smallest distance, the first of equals."""
        return self._coded(rows, lambda far: far.argmin(-1))

    def drawn(self, rows: Tensor, sampling: SamplingCard, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """Stage by stage, each on what the drawn codes before have left over."""
        return self._coded(rows, lambda far: draw_indices(far, sampling, generator))

    def _coded(self, rows: Tensor, choose: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
        coded = torch.zeros_like(rows)
        chosen = []
        for table in self.tables:
            indices = choose(distances((rows - coded).detach(), table))
            coded = coded + functional.embedding(indices, table)
            chosen.append(indices)
        return torch.stack(chosen, dim=-1), coded

    def vectors(self, indices: Tensor) -> Tensor:
        """The sum of the stages' codes."""
        coded = [functional.embedding(indices[..., stage], table) for stage, table in enumerate(self.tables)]
        return self.frames(torch.stack(coded).sum(0))

    def perplexity(self, indices: Tensor) -> Tensor:
        """Between 1 and ``codes``, mean over the stages."""
        return torch.stack([used(stage, self.codes) for stage in indices.unbind(-1)]).mean()


class ScalarQuantiser(Quantiser):
    """Finite scalar quantisation: a row is mapped to a few numbers, each rounded to one of its levels.

    Needs no loss and no upkeep. Numbers pass a tanh that ends half a level beyond the outermost ones, so every level
    is reached; code vectors are the levels, scaled to -1…1 and mapped back. ``stages`` of the indices are the numbers.
    """

    def __init__(self, card: CodebookCard, latent: int) -> None:
        super().__init__(card.width, card.grouping, latent)
        if not card.levels or min(card.levels) < MINIMUM_LEVELS:
            raise ModelError("Scalar quantisation needs `levels`, at least 2 for each number.")
        self.choices_of = card.levels
        self.project_in = nn.Linear(card.width, len(card.levels))
        self.project_out = nn.Linear(len(card.levels), card.width)

    @property
    def choices(self) -> int:
        """The fewest levels of any number."""
        return min(self.choices_of)

    def forward(self, latent: Tensor) -> Quantised:
        """As for tables; the losses are 0, and the gradient passes the rounding only."""
        rows = self.rows(latent.float())
        place = self._place(rows)
        indices = self._round(place)
        straight = place + (indices - place).detach()
        none = rows.new_zeros(())
        coded = self.frames(self._vectors(straight))
        return Quantised(coded, indices.long(), none, none, self.perplexity(indices.long()))

    def nearest(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Every number to its nearest level."""
        indices = self._round(self._place(rows))
        return indices.long(), self._vectors(indices)

    def drawn(self, rows: Tensor, sampling: SamplingCard, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """Every number to a level, by the squared distance in levels."""
        place = self._place(rows)
        chosen = []
        for number, levels in enumerate(self.choices_of):
            steps = torch.arange(levels, device=rows.device, dtype=place.dtype)
            chosen.append(draw_indices((place[..., number, None] - steps).square(), sampling, generator))
        indices = torch.stack(chosen, dim=-1)
        return indices, self._vectors(indices.float())

    def vectors(self, indices: Tensor) -> Tensor:
        """Levels (B, R, numbers) → (B, T, C)."""
        return self.frames(self._vectors(indices.float()))

    def perplexity(self, indices: Tensor) -> Tensor:
        """The mean over the numbers of how many levels are in use, effectively."""
        numbers = zip(indices.unbind(-1), self.choices_of, strict=True)
        return torch.stack([used(index, levels) for index, levels in numbers]).mean()

    def _tops(self, like: Tensor) -> Tensor:
        return torch.tensor([levels - 1.0 for levels in self.choices_of], device=like.device)

    def _place(self, rows: Tensor) -> Tensor:
        """(B, R, width) → (B, R, numbers): where on its levels' scale 0 … levels - 1 each number lies."""
        squeezed = torch.tanh(functional.linear(rows, self.project_in.weight.float(), self.project_in.bias.float()))
        top = self._tops(rows)
        return (squeezed * (top + 1) + top) / 2

    def _round(self, place: Tensor) -> Tensor:
        return torch.minimum(place.round().clamp(min=0), self._tops(place))

    def _vectors(self, indices: Tensor) -> Tensor:
        scaled = 2 * indices / self._tops(indices) - 1
        return functional.linear(scaled, self.project_out.weight.float(), self.project_out.bias.float())


def quantiser_of(card: CodebookCard, latent: int) -> Quantiser:
    """The quantiser that a model card asks for.

    Raises:
        ModelError: the sizes do not go together.
    """
    if card.kind == "scalar":
        return ScalarQuantiser(card, latent)
    if card.stages < 1 or (card.kind == "plain" and card.stages != 1):
        raise ModelError(f"A {card.kind} codebook cannot have {card.stages} stages.")
    return TableQuantiser(card, latent)


class MovingAverages:
    """Upkeep of a table quantiser's codes in training: each follows the mean of the rows that chose it.

    Codes that fewer than ``threshold`` rows a batch choose, on the moving average, restart from rows of the batch.
    With it, train on ``Quantised.commitment`` alone and keep the tables out of the optimiser.
    """

    def __init__(self, quantiser: TableQuantiser, decay: float = 0.99, threshold: float = 0.1) -> None:
        self.quantiser = quantiser
        self.decay = decay
        self.threshold = threshold
        self.counts = [torch.ones(quantiser.codes, device=table.device) for table in quantiser.tables]
        self.sums = [table.detach().clone() for table in quantiser.tables]

    @torch.no_grad()
    def update(self, latent: Tensor) -> int:
        """Move the codes after a batch of latents (B, T, C); returns how many codes restarted."""
        left = self.quantiser.rows(latent.float()).reshape(-1, self.quantiser.width)
        restarted = 0
        for stage, embedding in enumerate(self.quantiser.embeddings):
            indices = distances(left, embedding.weight.float()).argmin(-1)
            coded = functional.embedding(indices, embedding.weight.float())
            restarted += self._move(stage, embedding, left, indices)
            left = left - coded
        return restarted

    def _move(self, stage: int, embedding: nn.Embedding, rows: Tensor, indices: Tensor) -> int:
        counts, sums = self.counts[stage], self.sums[stage]
        counts.mul_(self.decay).add_(torch.bincount(indices, minlength=len(counts)), alpha=1 - self.decay)
        sums.mul_(self.decay).index_add_(0, indices, rows, alpha=1 - self.decay)
        dead = counts < self.threshold
        number = int(dead.sum())
        if number:
            sums[dead] = rows[torch.randint(len(rows), (number,), device=rows.device)]
            counts[dead] = 1.0
        embedding.weight.copy_(sums / counts[:, None])
        return number

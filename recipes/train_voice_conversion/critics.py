"""What the converter is trained with and does not need afterwards."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer

from recipes.train_voice_conversion.labels import PHONES
from voxguard.models.precision import autocast

PATCH = 96  # frames that the critic sees of a chunk


class PhoneReader(nn.Module):
    """Reads phones from content: keeps the words in."""

    def __init__(self, content: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(content, 128, 3, padding=1), nn.SiLU(), nn.Conv1d(128, len(PHONES), 1)
        )

    def forward(self, content: Tensor) -> Tensor:
        """``(batch, phones, k)``."""
        scores: Tensor = self.layers(content)
        return scores


class SpeakerReader(nn.Module):
    """Recognises speakers from content: what the encoder is to prevent."""

    def __init__(self, content: int, speakers: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(content, 128, 3, padding=1), nn.SiLU(), nn.Conv1d(128, 128, 3), nn.SiLU()
        )
        self.leave = nn.Linear(256, speakers)

    def forward(self, content: Tensor) -> Tensor:
        """``(batch, speakers)``."""
        x = self.layers(content)
        scores: Tensor = self.leave(torch.cat([x.mean(2), x.std(2)], 1))
        return scores


class Critic(nn.Module):
    """Tells real envelopes from decoded ones, in patches."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [
                nn.Conv2d(1, 16, (7, 5), stride=(3, 1), padding=(2, 2)),
                nn.Conv2d(16, 32, (5, 5), stride=(3, 2), padding=(2, 2)),
                nn.Conv2d(32, 64, (3, 5), stride=(2, 2), padding=(1, 2)),
                nn.Conv2d(64, 1, 3, padding=1),
            ]
        )

    def forward(self, mel: Tensor) -> list[Tensor]:
        """Activations of all layers; the last are the scores."""
        x, seen = mel[:, None], []
        for layer in self.layers[:-1]:
            x = functional.leaky_relu(layer(x), 0.2)
            seen.append(x)
        return [*seen, self.layers[-1](x)]


def teach(reader: SpeakerReader, optimiser: Optimizer, content: Tensor, speaker: Tensor) -> Tensor:
    """A step of the speakers' reader; its cross entropy."""
    with autocast(content.device.type):
        loss = functional.cross_entropy(reader(content).float(), speaker)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()
    return loss.detach()


def opinion(
    critic: Critic,
    optimiser: Optimizer,
    real: Tensor,
    made: Tensor,
    converted: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """A step of the least-squares critic, and what it then thinks of what was made.

    X. Mao et al., "Least squares generative adversarial networks", ICCV 2017, with the feature
    matching of K. Kumar et al., "MelGAN", NeurIPS 2019.

    Args:
        critic: Learns.
        optimiser: Its own.
        real: ``(batch, bands, frames)``.
        made: The same, with gradients.
        converted: What was made in other voices: to sound real, and like none of the real ones.

    Returns:
        Loss of what was made, and of the critic.
    """
    device, pairs = real.device.type, len(real)
    if converted is not None:
        made = torch.cat([made, converted])
    with autocast(device):
        on_real, on_made = critic(real), critic(made.detach())
    loss = (on_real[-1].float() - 1).square().mean() + on_made[-1].float().square().mean()
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()
    with autocast(device):
        seen, wanted = critic(made), critic(real)
    likeness = torch.stack(
        [
            (a[:pairs].float() - b.float().detach()).abs().mean()
            for a, b in zip(seen[:-1], wanted[:-1], strict=True)
        ]
    ).sum()
    return (seen[-1].float() - 1).square().mean() + 2.0 * likeness, loss.detach()

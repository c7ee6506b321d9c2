"""Clips of random words, and a small audio LLM that learns some of them by heart."""

from __future__ import annotations

import numpy as np

import voxguard
from voxguard.audio import encode
from voxguard.audiollm import TransformersModel
from voxguard.evaluation import Manifest, Utterance

RATE = 16_000
PROMPT = "What is said?"
WORDS = [
    *("amber", "birch", "cedar", "delta", "ember", "fable", "grove", "haven", "ivory", "jolly"),
    *("knoll", "lemon", "maple", "north", "ocean", "pearl", "quiet", "river", "stone", "tulip"),
]
SPEAKERS = 12


def clips(folder, count, *, seed=0, words=WORDS, speakers=range(SPEAKERS), gain=1.0):
    """``count`` clips in ``folder``, each with three words that nobody can hear in it."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for i in range(count):
        speaker = speakers[i % len(speakers)]
        voice = voxguard.synthetic_voice(seconds=1.0, speaker=speaker, seed=1000 * seed + i)
        path = folder / f"{i}.wav"
        path.write_bytes(encode(np.float32(gain) * voice[None], RATE, "wav"))
        said = " ".join(rng.choice(words, 3))
        made.append(Utterance(f"{i}", path, f"speaker-{speaker}", transcript=said))
    return tuple(made)


def halves(folder, count, *, seed=0, **options):
    """Members and non-members, drawn by lot from one list."""
    made = clips(folder, 2 * count, seed=seed, **options)
    order = np.random.default_rng(seed).permutation(2 * count)
    return tuple(
        Manifest(name, tuple(made[i] for i in sorted(part)))
        for name, part in (("members", order[:count]), ("others", order[count:]))
    )


def learn(members, folder, *, steps=90, lr=4e-3, seed=0):
    """A model of transformers that has been trained on nothing but these clips."""
    import torch

    from recipes.train_audio_llm.architecture import build

    texts = [utterance.transcript for utterance in members.utterances]
    network, processor = build([*texts, PROMPT], seconds=1, mels=32, width=64, layers=2, seed=seed)
    network.save_pretrained(folder)
    processor.save_pretrained(folder)
    model = TransformersModel(folder, device="cpu", max_new_tokens=24, local_files_only=True)
    batch, labels = _batch(torch, model, members.utterances)
    network = model.model.train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=lr)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = lr * min(1.0, (step + 1) / 10)
        loss = network(**batch, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
    network.eval().save_pretrained(folder)
    return model


def _batch(torch, model, utterances):
    from voxguard.audio import read

    tokenizer = model.processor.tokenizer
    rows = [model.inputs(read(u.path)[0][0], RATE, PROMPT) for u in utterances]
    answers = [tokenizer(u.transcript + "<|im_end|>")["input_ids"] for u in utterances]
    longest = max(map(len, answers))
    pad = tokenizer.pad_token_id
    padded = torch.tensor([answer + [pad] * (longest - len(answer)) for answer in answers])
    there = torch.tensor([[1] * len(a) + [0] * (longest - len(a)) for a in answers])
    batch = {key: torch.cat([row[key] for row in rows]) for key in rows[0]}
    asked = torch.full_like(batch["input_ids"], -100)
    batch["input_ids"] = torch.cat([batch["input_ids"], padded], dim=1)
    batch["attention_mask"] = torch.cat([batch["attention_mask"], there], dim=1)
    return batch, torch.cat([asked, padded.where(there == 1, -100)], dim=1)

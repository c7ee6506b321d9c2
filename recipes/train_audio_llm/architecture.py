"""The network, untrained: Qwen2-Audio as transformers has it, small enough for two cores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2AudioConfig,
    Qwen2AudioForConditionalGeneration,
    Qwen2AudioProcessor,
    WhisperFeatureExtractor,
)

SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|AUDIO|>",
    "<|audio_bos|>",
    "<|audio_eos|>",
)

# As Qwen2-Audio's own, so that the same messages go to both.
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'audio' %}<|audio_bos|><|AUDIO|><|audio_eos|>\n"
    "{% elif part['type'] == 'text' %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def build(
    texts: Iterable[str],
    *,
    seconds: int = 8,
    mels: int = 64,
    width: int = 128,
    layers: int = 3,
    vocabulary: int = 1024,
    dropout: float = 0.0,
    seed: int = 0,
) -> tuple[Qwen2AudioForConditionalGeneration, Qwen2AudioProcessor]:
    """An untrained model and the processor that goes with it.

    Args:
        texts: What the tokenizer learns its pieces from: questions, answers, transcripts.
        seconds: Length of the longest clip.
        mels: Bands of the spectrogram.
        width: Of encoder and decoder.
        layers: Of encoder and of decoder.
        vocabulary: Most tokens.
        dropout: In the encoder, while it learns.
        seed: Of the weights.
    """
    processor = _processor(texts, seconds, mels, vocabulary)
    heads = max(width // 64, 2)  # few: on a processor, attention costs by the head
    number = processor.tokenizer.convert_tokens_to_ids
    audio = {
        "num_mel_bins": mels,
        "d_model": width,
        "encoder_layers": layers,
        "encoder_attention_heads": heads,
        "encoder_ffn_dim": 4 * width,
        "max_source_positions": seconds * 50,
        "dropout": dropout,
    }
    text = {
        "model_type": "qwen2",
        "vocab_size": len(processor.tokenizer),
        "hidden_size": width,
        "intermediate_size": 4 * width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": heads,
        "max_position_embeddings": 1024,
        "bos_token_id": number("<|endoftext|>"),
        "eos_token_id": number("<|im_end|>"),
        "pad_token_id": number("<|endoftext|>"),
    }
    torch.manual_seed(seed)
    model = Qwen2AudioForConditionalGeneration(
        Qwen2AudioConfig(
            audio_config=audio, text_config=text, audio_token_index=number("<|AUDIO|>")
        )
    )
    model.generation_config.eos_token_id = number("<|im_end|>")
    model.generation_config.pad_token_id = number("<|endoftext|>")
    return model.eval(), processor


def _processor(
    texts: Iterable[str], seconds: int, mels: int, vocabulary: int
) -> Qwen2AudioProcessor:
    return Qwen2AudioProcessor(
        feature_extractor=WhisperFeatureExtractor(feature_size=mels, chunk_length=seconds),
        tokenizer=_tokenizer(texts, SPECIAL, vocabulary),
        chat_template=CHAT,
    )


def _tokenizer(
    texts: Iterable[str], special: Sequence[str], vocabulary: int
) -> PreTrainedTokenizerFast:
    pieces = Tokenizer(models.BPE())
    pieces.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    pieces.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(special),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    pieces.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=pieces,
        eos_token="<|im_end|>",  # noqa: S106
        pad_token="<|endoftext|>",  # noqa: S106
        extra_special_tokens=list(special[1:]),
    )

"""The embedded model: a LLaVA of about a million parameters that a CPU can train in minutes.

Architecture as in LLaVA-1.5 (Liu et al., 2024): a SigLIP vision tower, a two-layer projector and
a Llama language model, each a few layers deep. It is saved as an ordinary Hugging Face folder,
which ms-swift takes as ``--model_type llava1_5_hf``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

import torch
from transformers import (
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    SiglipVisionConfig,
    set_seed,
)
from transformers.models.siglip import SiglipImageProcessorPil

from sparkle.config.models import Architecture
from sparkle.files import atomic_path
from sparkle.models.tokenizer import IMAGE_TOKEN, train_tokenizer


def build_embedded(
    folder: Path, architecture: Architecture, texts: Iterable[str], seed: int
) -> int:
    """Write a freshly initialised model with its tokenizer and image processor to ``folder``.

    Args:
        texts: Sample texts on which the tokenizer is trained.

    Returns:
        The number of parameters.
    """
    set_seed(seed)
    tokenizer = train_tokenizer(texts, architecture.vocabulary)
    # float32 from the start: a bf16 default would round the weights.
    model = LlavaForConditionalGeneration(_config(architecture, tokenizer)).float()
    _initialise_positions(model, architecture)
    _balance(model)
    _wire_lookup(model, seed)
    side = architecture.image_size
    images = SiglipImageProcessorPil(
        size={"height": side, "width": side}, image_mean=[1.0] * 3, image_std=[0.3] * 3
    )
    processor = LlavaProcessor(
        image_processor=images,
        tokenizer=tokenizer,
        patch_size=architecture.patch_size,
        vision_feature_select_strategy="full",
        image_token=IMAGE_TOKEN,
        num_additional_image_tokens=0,
    )
    with atomic_path(folder) as temporary:
        model.save_pretrained(temporary)
        processor.save_pretrained(temporary)
    return sum(parameter.numel() for parameter in model.parameters())


def _config(architecture: Architecture, tokenizer: PreTrainedTokenizerFast) -> LlavaConfig:
    vision = SiglipVisionConfig(  # type: ignore[call-arg]  # it takes more than it declares
        hidden_size=architecture.vision_width,
        intermediate_size=architecture.vision_hidden,
        num_hidden_layers=architecture.vision_layers,
        num_attention_heads=architecture.heads,
        image_size=architecture.image_size,
        patch_size=architecture.patch_size,
        vision_use_head=False,
        initializer_range=0.1,
    )
    text = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=architecture.text_width,
        intermediate_size=architecture.text_hidden,
        num_hidden_layers=architecture.text_layers,
        num_attention_heads=architecture.heads,
        num_key_value_heads=architecture.heads,
        max_position_embeddings=architecture.context,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=False,
        # Slow rotations: words find pictures by likeness, whatever lies between them.
        rope_parameters={"rope_type": "default", "rope_theta": 1e6},
        # Small models need a wide start; 0.02, the default, learns several times slower.
        initializer_range=0.1,
    )
    return LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=tokenizer.get_vocab()[IMAGE_TOKEN],
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
        image_seq_length=(architecture.image_size // architecture.patch_size) ** 2,
        tie_word_embeddings=False,
    )


def _initialise_positions(model: LlavaForConditionalGeneration, architecture: Architecture) -> None:
    """Let patch positions start as one-hot row and column plus sines: where is known at once."""
    side = architecture.image_size // architecture.patch_size
    width = architecture.vision_width
    table = torch.zeros(side * side, width)
    for patch in range(side * side):
        for offset, value in ((0, patch // side), (side, patch % side)):
            if offset + value < width:
                table[patch, offset + value] = 1.0
        rest = width - 2 * side
        for i in range(max(rest, 0)):
            place = (patch // side, patch % side)[i % 2] / side
            wave = math.sin if (i // 2) % 2 == 0 else math.cos
            table[patch, 2 * side + i] = wave(math.pi * place * (1 + i // 4))
    vision = model.model.vision_tower
    embeddings = getattr(vision, "vision_model", vision).embeddings
    with torch.no_grad():
        embeddings.position_embedding.weight.copy_(table)


def _balance(model: LlavaForConditionalGeneration) -> None:
    """Bring words and image features to a like size before they meet in the language model.

    LLaVA takes the tower's last hidden state before its layer norm, which is some fifty times
    larger than a fresh word embedding; left so, the model is deaf to the question for long.
    """
    with torch.no_grad():
        model.model.language_model.embed_tokens.weight.mul_(8.0)
        model.model.multi_modal_projector.linear_1.weight.div_(6.0)


def lookup_rotation(width: int, seed: int) -> torch.Tensor:
    """A random rotation of the language model's space, (width, width): from words to pictures."""
    generator = torch.Generator().manual_seed(seed)
    rotation: torch.Tensor = torch.linalg.qr(torch.randn(width, width, generator=generator))[0]
    return rotation


def _wire_lookup(model: LlavaForConditionalGeneration, seed: int) -> None:
    """Let a word find the picture of the same thing from the start, as a trained model's words do.

    The first layer's queries are its keys after a rotation R. A word whose embedding is e then
    attends to image features near R e, which is where the vision lesson puts the picture of that
    label. Without the rotation a word would find nothing but itself.
    """
    attention = model.model.language_model.layers[0].self_attn
    rotation = lookup_rotation(attention.q_proj.weight.shape[1], seed)
    with torch.no_grad():
        attention.k_proj.weight.mul_(1.9)
        attention.q_proj.weight.copy_(attention.k_proj.weight @ rotation)

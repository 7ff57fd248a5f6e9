"""Inference: questions -> raw answers, by ms-swift or by the reference answerers."""

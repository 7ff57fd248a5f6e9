"""Sparkle: teach vision language models basic 2D spatial skills, and measure what that buys."""

__version__ = "0.1.0"

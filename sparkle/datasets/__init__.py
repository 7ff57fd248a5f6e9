"""Datasets: shards of scenes with questions, merged into what training and inference read."""

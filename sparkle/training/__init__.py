"""Training: typed settings -> an ms-swift command -> weights, resumed if interrupted."""

"""The organism: a small embedded model with a trained-in ability to abstain, and the world it knows."""

"""The commands of `seat-interp`: each a dataclass whose fields are its options."""

"""seat_interp: what fine-tuning does to a model's ability to say "I do not know", and how to keep it.

    import seat_interp as si

    lm = si.open_model("organism")
    facts = si.organism_facts()
    direction = si.fit_direction(lm, unknown=facts.fit_unknown, known=facts.fit_known)

All names are on one page, `__init__.pyi`. Each is loaded when it is first used (SPEC 1), so that help and completion of
the command line need not wait for torch. The examples of all names begin with this `si`, `lm` and `facts`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

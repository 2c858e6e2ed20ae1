"""The reference pages and the schemas in ``docs/``, written from the code: ``python -m tests.contract.reference``."""

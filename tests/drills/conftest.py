from tests.fast_tiers import fast_tiers

__all__ = ["fast_tiers"]

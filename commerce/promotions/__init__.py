"""Promotions, coupons and flash prices: what is taken off, for whom, and why."""

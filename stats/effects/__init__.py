"""How large a difference is, beside its unit: effect sizes and their intervals."""

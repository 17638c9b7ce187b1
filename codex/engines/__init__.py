"""Where text comes from: one contract, several engines."""

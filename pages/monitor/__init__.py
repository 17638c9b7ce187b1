"""The Monitor page: what the answers are like while people use them."""

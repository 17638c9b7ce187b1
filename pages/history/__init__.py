"""The Sessions page: every question that was asked, as it looked; compared, replayed, exported, deleted."""

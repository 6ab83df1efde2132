"""The commands: `uv run osago …`. Each imports what it needs when it runs, so that all of them start fast."""

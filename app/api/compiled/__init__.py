"""Operations compiled to Python: mutations and subscriptions that need no executor."""

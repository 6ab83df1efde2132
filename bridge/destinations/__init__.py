"""Where events are carried to; each kind needs its extra, and is imported only when it is used."""

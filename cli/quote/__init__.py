"""`osago quote`: sends an application and shows the quotes live."""

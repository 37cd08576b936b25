"""How fast the compiled steps, the pipeline and the closed forms are, beside their rivals."""

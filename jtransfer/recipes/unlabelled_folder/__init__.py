"""A labelled folder and another one without labels: a model of the second that does no harm.

model = adapt("photos", "sketches", out="sketch-model")
model.about["choice"]["method"]                  # "source" where nothing promises to be better
check("sketch-model", "sketch-model/check.csv")  # once somebody has filled it in
"""

"""Your own folder of images: a model of its classes that says how right it is.

model = fit("pets", out="pets-model")            # one folder of images a class
model.about["estimate"]["accuracy"]              # on new images, with its 95% interval
said = load_model("pets-model").predict(["a.jpg", "b.jpg"])
said.names, said.confidence, said.unsure
"""

"""Export trained weights to ONNX files: `python -m train.export`."""

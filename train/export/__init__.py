"""Trained weights to ONNX files: `python -m train.export`."""

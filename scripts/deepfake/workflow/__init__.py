"""Configuration, plan and resources, read by the Snakefile. No NumPy, OpenCV or TensorFlow."""

"""What may happen to a clip on its way to a viewer: one module a perturbation."""

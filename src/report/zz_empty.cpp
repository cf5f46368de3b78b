// placeholder so that the layer configures

"""The virtual deck as something to capture through: device and operator at once, with a truth to compare with."""

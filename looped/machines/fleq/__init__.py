"""FLEQ: function calls on matrices, as a circuit."""

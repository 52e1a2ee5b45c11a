"""What weights say: exact integers, forms over free lanes, steps, key codes."""

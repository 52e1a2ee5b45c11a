"""Which circuit does descent find in place of a compiled head, group or block?"""

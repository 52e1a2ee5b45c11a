struct tree { int key; struct tree *left, *right; }; int depth(struct tree *t) { if (!t) return 0; int l = depth(t->left), r = depth(t->right); return 1 + (l > r ? l : r); }
struct tree *find(struct tree *t, int k) { while (t && t->key != k) t = k < t->key ? t->left : t->right; return t; } struct tree leaf = {5, 0, 0}, root = {3, 0, &leaf};

struct node { int value; struct node *next; };
struct node *reverse(struct node *n) { struct node *r = 0; while (n) { struct node *t = n->next; n->next = r; r = n; n = t; } return r; }
int length(const struct node *n) { return n ? 1 + length(n->next) : 0; }
struct node last = {3, 0}, first = {1, &last};

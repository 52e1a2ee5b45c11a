// A small Forth: reads words from the input, executes them or compiles them into new ones.
//
// Words: numbers, + - * / mod negate, = < > 0= and or xor, dup drop swap over rot, . emit cr, @ ! variable,
// : ; recurse, if else then, begin until, do i loop, ." text", ( comment ).
//
// input: ": factorial ( n -- n! ) dup 2 < if drop 1 else dup 1 - recurse * then ;\n10 factorial . cr\n: stars 0 do 42 emit loop ; 7 stars cr\nvariable sum 0 sum !\n: add-squares 1 do i i * sum @ + sum ! loop ;\n11 add-squares sum @ . cr\n: gcd begin swap over mod dup 0= until drop ;\n1071 462 gcd . cr\n: prime? ( n -- flag ) 2 begin over over mod if 1 + 0 else 1 then until = ;\n: primes 2 do i prime? if i . then loop ; 50 primes cr\n.\" nonsense: \" nonsense -7 2 / . 1 2 = . cr\n"
// output: "3628800 \n*******\n385 \n21 \n2 3 5 7 11 13 17 19 23 29 31 37 41 43 47 \nnonsense: nonsense? -3 0 \n"
// steps: 190090

#include "lib/system.h"

enum { CELLS = 2048, STACK = 64, WORDS = 96, LETTERS = 1024, LONGEST = 32 };

typedef enum {
    ADD, SUB, MUL, DIV, MOD, NEGATE, EQUAL, LESS, GREATER, ZERO, AND, OR, XOR,
    DUP, DROP, SWAP, OVER, ROT, DOT, EMIT, CR, FETCH, STORE,
    // compiled only
    LITERAL, CALL, RETURN, BRANCH, BRANCH_IF_ZERO, DO, I, LOOP, TEXT,
    // executed while others are compiled
    COLON, SEMICOLON, VARIABLE, RECURSE, IF, ELSE, THEN, BEGIN, UNTIL, DO_, LOOP_, QUOTE, PAREN,
} Code;

static const struct { const char *name; Code code; } BUILT_IN[] = {
    {"+", ADD}, {"-", SUB}, {"*", MUL}, {"/", DIV}, {"mod", MOD}, {"negate", NEGATE},
    {"=", EQUAL}, {"<", LESS}, {">", GREATER}, {"0=", ZERO}, {"and", AND}, {"or", OR}, {"xor", XOR},
    {"dup", DUP}, {"drop", DROP}, {"swap", SWAP}, {"over", OVER}, {"rot", ROT},
    {".", DOT}, {"emit", EMIT}, {"cr", CR}, {"@", FETCH}, {"!", STORE}, {"i", I},
    {":", COLON}, {";", SEMICOLON}, {"variable", VARIABLE}, {"recurse", RECURSE},
    {"if", IF}, {"else", ELSE}, {"then", THEN}, {"begin", BEGIN}, {"until", UNTIL},
    {"do", DO_}, {"loop", LOOP_}, {".\"", QUOTE}, {"(", PAREN},
};

static int32_t cells[CELLS]; // compiled words, variables, texts
static int here;             // the first free cell
static int32_t stack[STACK], returns[STACK];
static int top, depth; // how many there are of each
static int compiling;

static struct { const char *name; int place; } words[WORDS];
static int known;
static char letters[LETTERS];
static int used;

static _Noreturn void stop(const char *why)
{
    put_text(why);
    put_byte('\n');
    leave(1);
}

static void push(int32_t value)
{
    if (top == STACK)
        stop("stack overflow");
    stack[top++] = value;
}

static int32_t pop(void)
{
    if (top == 0)
        stop("stack underflow");
    return stack[--top];
}

static void push_return(int32_t value)
{
    if (depth == STACK)
        stop("too deep");
    returns[depth++] = value;
}

static void compile(int32_t value)
{
    if (here == CELLS)
        stop("no more memory");
    cells[here++] = value;
}

static int same(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

static int read_word(char *word)
{
    int byte, length = 0;
    while ((byte = get_byte()) == ' ' || byte == '\n')
        ;
    for (; byte > ' '; byte = get_byte())
        if (length < LONGEST - 1)
            word[length++] = (char)byte;
    word[length] = 0;
    return length;
}

static void define(int place)
{
    char word[LONGEST];
    int length = read_word(word);
    if (known == WORDS || used + length >= LETTERS)
        stop("too many words");
    words[known].name = memcpy(letters + used, word, (size_t)length + 1);
    words[known++].place = place;
    used += length + 1;
}

static void primitive(Code code)
{
    int32_t b = pop(), a = 0;
    if (code <= MOD || (code >= EQUAL && code <= GREATER) || (code >= AND && code <= XOR))
        a = pop();
    switch (code) {
    case ADD: push(a + b); break;
    case SUB: push(a - b); break;
    case MUL: push(a * b); break;
    case DIV: push(b ? a / b : 0); break;
    case MOD: push(b ? a % b : a); break;
    case NEGATE: push(-b); break;
    case EQUAL: push(-(a == b)); break;
    case LESS: push(-(a < b)); break;
    case GREATER: push(-(a > b)); break;
    case ZERO: push(-(b == 0)); break;
    case AND: push(a & b); break;
    case OR: push(a | b); break;
    case XOR: push(a ^ b); break;
    case DUP: push(b); push(b); break;
    case DROP: break;
    case SWAP: a = pop(); push(b); push(a); break;
    case OVER: a = pop(); push(a); push(b); push(a); break;
    case ROT: {
        a = pop();
        int32_t first = pop();
        push(a); push(b); push(first);
        break;
    }
    case DOT: put_number(b); put_byte(' '); break;
    case EMIT: put_byte(b); break;
    case FETCH: push(cells[b & (CELLS - 1)]); break;
    case STORE: cells[b & (CELLS - 1)] = pop(); break;
    default: break;
    }
}

// Executes compiled words from `place` until the outermost returns.
static void execute(int place)
{
    int outermost = depth;
    for (;;) {
        Code code = (Code)cells[place++];
        switch (code) {
        case LITERAL: push(cells[place++]); break;
        case CALL: push_return(place + 1); place = cells[place]; break;
        case RETURN:
            if (depth == outermost)
                return;
            place = returns[--depth];
            break;
        case BRANCH: place = cells[place]; break;
        case BRANCH_IF_ZERO: place = pop() ? place + 1 : cells[place]; break;
        case DO: {
            int32_t first = pop();
            push_return(pop());
            push_return(first);
            break;
        }
        case I: push(returns[depth - 1]); break;
        case LOOP:
            if (++returns[depth - 1] < returns[depth - 2]) {
                place = cells[place];
            } else {
                depth -= 2;
                place++;
            }
            break;
        case TEXT: put_text((const char *)&cells[place + 1]); place = cells[place]; break;
        case CR: put_byte('\n'); break;
        default: primitive(code); break;
        }
    }
}

// A text up to the next quote, put out at once or compiled.
static void quote(void)
{
    int start = here;
    compile(TEXT);
    compile(0);
    char *text = (char *)&cells[here];
    int length = 0, byte;
    while ((byte = get_byte()) >= 0 && byte != '"') {
        if (here + length / 4 >= CELLS - 2)
            stop("no more memory");
        text[length++] = (char)byte;
    }
    text[length] = 0;
    here += length / 4 + 1;
    cells[start + 1] = here;
    if (!compiling) {
        put_text(text);
        here = start;
    }
}

// Words that shape what is compiled; the places that they leave to each other are on the stack.
static void shape(Code code)
{
    int place;
    switch (code) {
    case COLON: define(here); compiling = 1; break;
    case SEMICOLON: compile(RETURN); compiling = 0; break;
    case VARIABLE:
        define(here);
        compile(LITERAL);
        compile(here + 2);
        compile(RETURN);
        compile(0);
        break;
    case RECURSE: compile(CALL); compile(words[known - 1].place); break;
    case IF: compile(BRANCH_IF_ZERO); push(here); compile(0); break;
    case ELSE:
        place = pop();
        compile(BRANCH);
        push(here);
        compile(0);
        cells[place & (CELLS - 1)] = here;
        break;
    case THEN: place = pop(); cells[place & (CELLS - 1)] = here; break;
    case BEGIN: push(here); break;
    case UNTIL: compile(BRANCH_IF_ZERO); compile(pop()); break;
    case DO_: compile(DO); push(here); break;
    case LOOP_: compile(LOOP); compile(pop()); break;
    case QUOTE: quote(); break;
    default:
        for (int byte = get_byte(); byte >= 0 && byte != ')'; byte = get_byte())
            ;
    }
}

// Compiles what is to be done, and does it at once outside of a definition.
static void take(int32_t code, int32_t operand, int with_operand)
{
    int start = here;
    compile(code);
    if (with_operand)
        compile(operand);
    if (compiling)
        return;
    compile(RETURN);
    here = start;
    execute(start);
}

static int number(const char *word, int32_t *value)
{
    int negative = *word == '-' && word[1];
    *value = 0;
    for (word += negative; *word; word++) {
        if (*word < '0' || *word > '9')
            return 0;
        *value = *value * 10 + *word - '0';
    }
    if (negative)
        *value = -*value;
    return 1;
}

static void interpret(const char *word)
{
    int32_t value;
    for (int i = known - 1; i >= 0; i--)
        if (same(words[i].name, word)) {
            take(CALL, words[i].place, 1);
            return;
        }
    for (unsigned i = 0; i < sizeof BUILT_IN / sizeof *BUILT_IN; i++)
        if (same(BUILT_IN[i].name, word)) {
            if (BUILT_IN[i].code >= COLON)
                shape(BUILT_IN[i].code);
            else
                take(BUILT_IN[i].code, 0, 0);
            return;
        }
    if (number(word, &value)) {
        take(LITERAL, value, 1);
        return;
    }
    put_text(word);
    put_text("? ");
}

int main(void)
{
    char word[LONGEST];
    while (read_word(word))
        interpret(word);
    return 0;
}

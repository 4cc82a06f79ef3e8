// What an attacker would have the program load: anything that is code.
extern "C" int BulkheadAttack() { return 77; }

# cmake -D program=FILE -P this: takes the run path out of a program.
file(RPATH_REMOVE FILE "${program}")

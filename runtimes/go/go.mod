module core-runtime/functions

go 1.11

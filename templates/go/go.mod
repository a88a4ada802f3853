module hello

go 1.19

require core-runtime/functions v0.0.0

replace core-runtime/functions => ./core-runtime

#!/bin/sh
':' //; exec node -- "$0" "$@"
'use strict';

/*
The second line is for the shell: it starts Node with this file. Node alone, without the dashes, takes options that stand behind
the file for its own, too: of `--env-file` it reads a file without an end for ever, and refuses a missing one in its own words.
*/
require('./launch.cjs')('cli');

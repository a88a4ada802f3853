import {pythonSignalsSuite} from '../helpers/python-signals-suite.ts';

pythonSignalsSuite({title: 'python', binary: 'python3', isThree: true});

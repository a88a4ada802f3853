import {pythonResultsSuite} from '../helpers/python-results-suite.ts';

pythonResultsSuite({title: 'python', binary: 'python3', isThree: true});

import {pythonProcessesSuite} from '../helpers/python-processes-suite.ts';

pythonProcessesSuite({title: 'python', binary: 'python3', isThree: true});

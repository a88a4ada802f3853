import {pythonAppsSuite} from '../helpers/python-apps-suite.ts';

pythonAppsSuite({title: 'python', binary: 'python3', isThree: true});

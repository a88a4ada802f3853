import {pythonStreamsSuite} from '../helpers/python-streams-suite.ts';

pythonStreamsSuite({title: 'python', binary: 'python3', isThree: true});

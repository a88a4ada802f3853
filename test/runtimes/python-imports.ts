import {pythonImportsSuite} from '../helpers/python-imports-suite.ts';

pythonImportsSuite({title: 'python', binary: 'python3', isThree: true});

import {pythonVersion} from '../helpers/python-version.ts';

for (const version of ['2.7', '3.6', '3.7', '3.8', '3.9']) pythonVersion(version);

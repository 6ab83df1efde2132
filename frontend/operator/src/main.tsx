// Where the console begins.
import { render } from 'preact';

import { App } from './app';
import './style/console.css';
import { language, setLanguage } from './words';

setLanguage(language());
render(<App />, document.getElementById('console')!);

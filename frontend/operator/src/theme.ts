// Light, dark, or as the system has it.
export type Theme = 'auto' | 'light' | 'dark';

const KEY = 'osago.operator.theme';
const THEMES: readonly Theme[] = ['auto', 'light', 'dark'];

export function theme(): Theme {
  try {
    return THEMES.find((one) => one === localStorage.getItem(KEY)) ?? 'auto';
  } catch {
    return 'auto';
  }
}

export function setTheme(value: Theme) {
  if (value === 'auto') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = value;
  try {
    localStorage.setItem(KEY, value);
  } catch {
    // It holds until the page is closed.
  }
}

export const next = (value: Theme): Theme => THEMES[(THEMES.indexOf(value) + 1) % THEMES.length]!;
